"""One simulated trial as CDISC datasets: SDTM and ADaM, with Define-XML and a reviewer's guide."""
