"""The pages that readers see: leave, confirm. No cookies, no scripts; GET changes nothing."""
