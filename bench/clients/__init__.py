"""The libraries that are measured, one file each. Each public function is one run, in a process of its own."""
