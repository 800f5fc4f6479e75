#!/usr/bin/env python
"""The `llmadmin` command under the name that Django developers look for."""

from llmadmin.__main__ import main

if __name__ == "__main__":
    main()
