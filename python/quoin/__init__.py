"""Runs and compiles models that write blocks of tokens in parallel.

    import quoin

    quoin.compile("model", "out")
    model = quoin.Model("out")
    print(model.generate("sort 5273916408 =>", max_tokens=24).text)
    for piece in model.stream([{"role": "user", "content": "Hello"}]):
        print(piece, end="", flush=True)

What the runtime or the compiler refuses is a `quoin.Error` with its diagnostic.
"""
from ._attention import attention
from ._compile import compile
from ._model import Generation, Model
from ._quoin import Error

__all__ = ["Error", "Generation", "Model", "attention", "compile"]
__version__ = "0.1.0"
