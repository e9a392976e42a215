// Package visitor is the noun of who is there: a person at the board, or a program with a
// token, and what they may do.
//
// It does not know how somebody proves who he is.
package visitor

import "context"

// Visitor is who sends a request.
type Visitor struct {
	// Name is what stands in the history of what he does; "" where he writes it himself.
	Name string
	// Role is a person's; "" of a token, and where nobody has to log in.
	Role Role
	// May is what he may do.
	May Permissions
	// Local is somebody at this machine, where nobody has to log in.
	Local bool
	// Bearer is a program that brought a token. No browser sends one by itself, so nobody
	// else can have it sent.
	Bearer bool
	// Session tells one login from another, and is no secret; "" without a login.
	Session string
}

// key is that of the visitor in a context.
type key struct{}

// With gives a context in which a visitor is there.
func With(ctx context.Context, v Visitor) context.Context { return context.WithValue(ctx, key{}, v) }

// From gives the visitor of a context; where there is none, one who may do nothing.
func From(ctx context.Context) Visitor {
	v, _ := ctx.Value(key{}).(Visitor)
	return v
}
