"""What a curator does, without Qt: sessions, tools, and the same verbs from the command line."""
