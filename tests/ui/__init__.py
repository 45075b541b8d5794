"""A package, so that pytest ends the browser with the last test in this folder (fixtures of scope "package")."""
