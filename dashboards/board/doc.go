// Package board is the built-in web board: what is full, dry or taken, which cases are
// open, which messages were set aside, and whether the platform is well. Pages are
// rendered on the server, in German, and work without JavaScript.
//
// What people want done with tickets it passes on, and does nothing by itself. It does not
// know how somebody proves who he is, how anything is stored, what a rule says, or who sends
// tickets; its words for values (empty, dry, taken) are for display and decide nothing.
package board
