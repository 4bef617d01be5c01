"""What a policy would have done to patients of the past: how many pages, how many of them right, how early."""
