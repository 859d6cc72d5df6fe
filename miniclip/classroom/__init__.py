"""A class in a box: everything that whoever teaches some modules needs, as one folder."""
