// Package inbox takes what ticket systems tell by themselves: one CloudEvents 1.0 message in
// JSON for each change of a ticket, signed after the Standard Webhooks specification with a
// secret of each ticket system.
//
// It answers 2xx only when what was told is on the disk. It does not know what follows from
// it, nor whether it is believed.
package inbox
