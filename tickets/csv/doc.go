// Package csv hands cases over as a file: the full list of what is open, written anew
// after every change and put in place at once, so that whoever reads it never sees half of
// one and losing a file loses nothing. There are two forms of the same list: one for
// machines, and one that a German Excel opens with a double click.
//
// It does not know where cases come from, who reads the files, or what they do with them.
package csv
