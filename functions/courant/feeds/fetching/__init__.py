"""How bytes come from strangers' servers: address → connection → answer → body."""
