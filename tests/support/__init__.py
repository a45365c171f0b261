"""What tests stand on: databases, people, a browser's habits, running processes."""
