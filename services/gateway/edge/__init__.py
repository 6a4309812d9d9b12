"""HTTP as this API speaks it: operations, problems, limits, and the documents made from them."""
