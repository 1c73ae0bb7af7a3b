"""Every look as people see it: ``make screenshots``. For developers; never deployed."""
