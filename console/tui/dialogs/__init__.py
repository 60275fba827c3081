"""The dialogs, each a question that ends in one answer."""
