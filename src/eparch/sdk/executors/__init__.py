"""Where the tasks of a flow run: in order, in threads, in processes, on a Dask cluster."""
