"""Jobs of which none may be paid twice and none be lost, while processes are killed and answers dropped."""
