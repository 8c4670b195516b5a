"""Parts of scripts/check-brokers: brokers of several kinds, as a user gets them from Debian and PyPI, on ports of their own."""
