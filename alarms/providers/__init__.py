"""What several notifiers of one provider share: its signature and its way of answering."""
