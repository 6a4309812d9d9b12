"""The mesh in the libraries: servers, peers, deadlines, and the one place where our words meet gRPC's."""
