"""Articles' own pages, where their feeds say too little."""
