"""Two samples compared by their ranks, plain, stratified and adjusted."""
