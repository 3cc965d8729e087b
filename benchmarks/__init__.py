"""Speed and memory beside the usual implementations: ``python -m benchmarks [NAME]``.

Each module is one family. Every case runs ours and the peer in one process, in turns,
after checking that both give the same result.
"""
