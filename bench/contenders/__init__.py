"""Who runs in the races: one file per library. Each public function is one run, in a process of its own."""
