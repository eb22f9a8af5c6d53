"""The `docker` of a host: a program that knows the containers of its own host folder, standard library only."""
