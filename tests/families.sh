#!/bin/sh
# families.sh ROOT: each architecture and class of src/model/family_*.c is named in doc/models.md and man/cril.1.
cd "$1" || exit 1
names=$(sed -n 's/.*\.architecture = "\([^"]*\)".*/\1/p' src/model/family_*.c; sed -n 's/^ *{"\([A-Za-z0-9]*\)", [a-z_]*rows, .*/\1/p' src/model/family_*.c)
[ "$(echo "$names" | wc -l)" -ge 80 ] || { echo "families: only these names found: $names"; exit 1; }
bad=0
for name in $names; do
    grep -q "\`$name\`" doc/models.md || { echo "doc/models.md does not name $name"; bad=1; }
    grep -q "\(^\|[ ,]\)$name\([ ,.]\|\$\)" man/cril.1 || { echo "man/cril.1 does not name $name"; bad=1; }
done
exit $bad
