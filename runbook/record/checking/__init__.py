"""What can be said against a record: each check reads what is written and believes nothing else."""
