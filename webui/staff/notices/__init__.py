"""What subscribers are told: announcements and notices."""
