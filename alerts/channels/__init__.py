"""Ways to reach people, one a file, behind one Protocol."""
