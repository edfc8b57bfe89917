"""What evaluation reports."""
