"""What an on-call person looks at: the list of metrics, dashboards and pictures of them, made from code."""
