# compile SOURCE OBJECT [FLAG...]: a plain BPF object as anybody's clang makes it; sourced by the tests here.
compile() {
	source=$1 object=$2
	shift 2
	clang-19 -target bpf -mcpu=v3 -g -O2 "-D__$(uname -m)__" "-I/usr/include/$(uname -m)-linux-gnu" "$@" -c "$source" -o "$object"
}
