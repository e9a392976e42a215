// Package access lets people and programs in: users of a file, a provider of OpenID Connect,
// sessions, tokens, and a limit to guessing.
//
// It does not know which pages there are, what they look like, or what one may do there.
package access
