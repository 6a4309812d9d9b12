"""What goes over HTTP: one struct for each request and response; their constraints are the API's documentation."""
