"""HTML pages, one offline file each."""
