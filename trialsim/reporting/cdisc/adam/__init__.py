"""The analysis datasets, ADaMIG 1.3: from them alone the printed estimate can be computed."""
