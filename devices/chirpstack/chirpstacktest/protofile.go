package chirpstacktest

import (
	"fmt"
	"strconv"
	"strings"
	"text/scanner"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// readProto reads a .proto file: as much of the language as ChirpStack's files have. Options
// and comments are passed over.
func readProto(name, source string) (fd *descriptorpb.FileDescriptorProto, err error) {
	r := &protoReader{}
	r.Init(strings.NewReader(source))
	r.Filename = name
	r.Error = func(_ *scanner.Scanner, msg string) { r.fail("%s", msg) }
	defer func() {
		if p := recover(); p != nil {
			fd, err = nil, p.(protoError)
		}
	}()
	return r.file(name), nil
}

type protoError string

func (e protoError) Error() string { return string(e) }

type protoReader struct{ scanner.Scanner }

// fail ends the reading; readProto catches it.
func (r *protoReader) fail(format string, args ...any) {
	panic(protoError(fmt.Sprintf("%s: %s", r.Position, fmt.Sprintf(format, args...))))
}

// next gives the next word, number or sign; "" at the end.
func (r *protoReader) next() string {
	if r.Scan() == scanner.EOF {
		return ""
	}
	return r.TokenText()
}

func (r *protoReader) want(token string) {
	if got := r.next(); got != token {
		r.fail("%q in place of %q", got, token)
	}
}

// name gives words with dots between them, and what comes after them.
func (r *protoReader) name(first string) (name, after string) {
	name = first
	for {
		after = r.next()
		if after != "." && !strings.HasSuffix(name, ".") {
			return name, after
		}
		name += after
	}
}

func (r *protoReader) number() int32 {
	text := r.next()
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		r.fail("%q in place of a number", text)
	}
	return int32(n)
}

// skip passes over what follows up to an end; brackets in it are passed over whole.
func (r *protoReader) skip(end string) {
	for {
		switch token := r.next(); token {
		case end:
			return
		case "":
			r.fail("ends before %q", end)
		case "{":
			r.skip("}")
		case "[":
			r.skip("]")
		case "(":
			r.skip(")")
		}
	}
}

func (r *protoReader) file(name string) *descriptorpb.FileDescriptorProto {
	fd := &descriptorpb.FileDescriptorProto{Name: &name, Syntax: proto.String("proto3")}
	for {
		switch token := r.next(); token {
		case "":
			return fd
		case ";":
		case "syntax", "option":
			r.skip(";")
		case "import":
			path, err := strconv.Unquote(r.next())
			if err != nil {
				r.fail("import: %v", err)
			}
			fd.Dependency = append(fd.Dependency, path)
			r.want(";")
		case "package":
			fd.Package = proto.String(r.next())
			r.want(";")
		case "message":
			fd.MessageType = append(fd.MessageType, r.message())
		case "enum":
			fd.EnumType = append(fd.EnumType, r.enum())
		case "service":
			fd.Service = append(fd.Service, r.service())
		default:
			r.fail("%q is not known", token)
		}
	}
}

func (r *protoReader) message() *descriptorpb.DescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: proto.String(r.next())}
	r.want("{")
	for {
		switch token := r.next(); token {
		case "}":
			return m
		case "message":
			m.NestedType = append(m.NestedType, r.message())
		case "enum":
			m.EnumType = append(m.EnumType, r.enum())
		case "reserved", "option":
			r.skip(";")
		case "oneof":
			r.next()
			r.want("{")
			r.skip("}")
		case "map":
			r.want("<")
			r.want("string")
			r.want(",")
			value, after := r.name(r.next())
			if after != ">" {
				r.fail("%q in place of %q", after, ">")
			}
			f, entry := mapField(r.next(), value)
			m.NestedType = append(m.NestedType, entry)
			m.Field = append(m.Field, r.field(f))
		default:
			label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
			if token == "repeated" {
				label, token = descriptorpb.FieldDescriptorProto_LABEL_REPEATED, r.next()
			}
			typ, name := r.name(token)
			f := typed(name, typ)
			f.Label = &label
			m.Field = append(m.Field, r.field(f))
		}
	}
}

// field reads the number of a field.
func (r *protoReader) field(f *descriptorpb.FieldDescriptorProto) *descriptorpb.FieldDescriptorProto {
	r.want("=")
	f.Number = proto.Int32(r.number())
	r.skip(";")
	return f
}

func typed(name, typ string) *descriptorpb.FieldDescriptorProto {
	f := &descriptorpb.FieldDescriptorProto{Name: &name}
	if n, ok := descriptorpb.FieldDescriptorProto_Type_value["TYPE_"+strings.ToUpper(typ)]; ok {
		f.Type = descriptorpb.FieldDescriptorProto_Type(n).Enum()
	} else {
		f.TypeName = &typ // of a message or an enum: where it is resolved it will be seen
	}
	return f
}

// mapField makes a map from texts: a repeated field of entries.
func mapField(name, value string) (*descriptorpb.FieldDescriptorProto, *descriptorpb.DescriptorProto) {
	var camel strings.Builder
	for _, part := range strings.Split(name, "_") {
		camel.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	entry := &descriptorpb.DescriptorProto{
		Name:    proto.String(camel.String() + "Entry"),
		Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
	}
	for i, f := range []*descriptorpb.FieldDescriptorProto{typed("key", "string"), typed("value", value)} {
		f.Number, f.Label = proto.Int32(int32(i+1)), descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
		entry.Field = append(entry.Field, f)
	}
	f := typed(name, entry.GetName())
	f.Type, f.Label = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	return f, entry
}

func (r *protoReader) enum() *descriptorpb.EnumDescriptorProto {
	e := &descriptorpb.EnumDescriptorProto{Name: proto.String(r.next())}
	r.want("{")
	for {
		token := r.next()
		if token == "}" {
			return e
		}
		v := &descriptorpb.EnumValueDescriptorProto{Name: &token}
		r.want("=")
		v.Number = proto.Int32(r.number())
		r.skip(";")
		e.Value = append(e.Value, v)
	}
}

func (r *protoReader) service() *descriptorpb.ServiceDescriptorProto {
	s := &descriptorpb.ServiceDescriptorProto{Name: proto.String(r.next())}
	r.want("{")
	for {
		switch token := r.next(); token {
		case "}":
			return s
		case "rpc":
			m := &descriptorpb.MethodDescriptorProto{Name: proto.String(r.next())}
			m.InputType = proto.String(r.parameter())
			r.want("returns")
			m.OutputType = proto.String(r.parameter())
			if token := r.next(); token == "{" {
				r.skip("}")
			} else if token != ";" {
				r.fail("%q in place of %q", token, ";")
			}
			s.Method = append(s.Method, m)
		default:
			r.fail("%q is not known", token)
		}
	}
}

func (r *protoReader) parameter() string {
	r.want("(")
	name, after := r.name(r.next())
	if after != ")" {
		r.fail("%q in place of %q", after, ")")
	}
	return name
}
