"""The peers, in the words of the API: a call, its translation, and nothing else."""
