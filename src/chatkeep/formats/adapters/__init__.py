"""One module or small package for each app's format; none knows another."""
