"""Practice: the whole product on one machine, with an ISP, its subscribers and an Internet of its own."""
