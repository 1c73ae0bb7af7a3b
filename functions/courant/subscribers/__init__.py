"""Who reads: profiles, memberships, suppression, and the links that let readers leave."""
