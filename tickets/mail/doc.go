// Package mail hands cases to people, or to a ticket system that reads a mailbox (Zammad,
// Znuny, RT): one e-mail for each opening and one for each closing, in one thread and with
// the case's ref at the head of the subject, text for people, a block of facts, and the
// same facts as a JSON attachment.
//
// A mailbox cannot be asked whether a message came, so a lost answer means: the same
// message again, with the same Message-ID. The package does not read mail, and does not
// know when to try again.
package mail
