"""What a study is: every number of it, validated, frozen and in words."""
