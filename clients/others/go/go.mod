module rdi-serve/others

go 1.26.0
