"""What `docker` on a host is here: a program that knows the containers of its own host folder, standard library only."""
