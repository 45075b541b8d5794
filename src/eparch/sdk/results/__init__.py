"""Where the results of tasks are kept outside their process, and in what form."""
