# Removes the Node that `npm ci` has installed if it does not run here: it is built for glibc, and some systems have
# musl. The Node of the system then runs the scripts. npm runs this file after each installation.
node=node_modules/.bin/node
if [ ! -e "$node" ] && [ ! -L "$node" ]; then exit 0; fi
if "$node" --version >/dev/null 2>&1; then exit 0; fi
rm -f "$node"
echo "the installed Node does not run on this system: the scripts use the Node in PATH" >&2
