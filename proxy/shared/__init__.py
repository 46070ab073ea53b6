"""What all workers share: the board they follow, the events they tell, the memory they keep."""
