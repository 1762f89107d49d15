"""Who gets which arm: one file a procedure of randomisation, behind one signature."""
