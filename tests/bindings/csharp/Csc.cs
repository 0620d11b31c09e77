using System;
using System.IO;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

// A C# compiler around Roslyn's assemblies: takes csc's own arguments. Itself built by mcs, so that a machine without a .NET SDK
// compiles what people with one write. With RUSTML_NETSTANDARD=1 the result refers to netstandard 2.1 alone: the references given are
// the runtime's own assemblies, whose names are exchanged; a type that netstandard 2.1 lacks then fails to load.
internal static class Csc
{
    private static int Main(string[] arguments)
    {
        var line = CSharpCommandLineParser.Default.Parse(arguments, Directory.GetCurrentDirectory(), null);
        var trees = line.SourceFiles.Select(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file.Path), line.ParseOptions, file.Path, Encoding.UTF8));
        var references = line.MetadataReferences.Select(reference => MetadataReference.CreateFromFile(reference.Reference));
        var compilation = CSharpCompilation.Create(line.CompilationName ?? Path.GetFileNameWithoutExtension(line.OutputFileName), trees,
                                                   references, line.CompilationOptions);
        var image = new MemoryStream();
        var documentation = line.DocumentationPath == null ? null : new MemoryStream();
        var emitted = compilation.Emit(image, null, documentation);
        var said = line.Errors.Concat(emitted.Diagnostics).Where(one => one.Severity >= DiagnosticSeverity.Warning && !one.IsSuppressed).ToList();
        foreach (var one in said) Console.Error.WriteLine(one);
        if (!emitted.Success || said.Count != 0) return 1; // a warning is an error here
        byte[] bytes = image.ToArray();
        if (Environment.GetEnvironmentVariable("RUSTML_NETSTANDARD") == "1") Retarget(bytes);
        File.WriteAllBytes(Path.Combine(line.OutputDirectory, line.OutputFileName), bytes);
        if (documentation != null) File.WriteAllBytes(line.DocumentationPath, documentation.ToArray());
        return 0;
    }

    private static void Retarget(byte[] image)
    {
        using (var file = new PEReader(new MemoryStream(image)))
        {
            var metadata = file.GetMetadataReader();
            int start = file.PEHeaders.MetadataStartOffset;
            int strings = start + metadata.GetHeapMetadataOffset(HeapIndex.String), blobs = start + metadata.GetHeapMetadataOffset(HeapIndex.Blob);
            int row = metadata.GetTableRowSize(TableIndex.AssemblyRef), table = start + metadata.GetTableMetadataOffset(TableIndex.AssemblyRef);
            int blobWidth = metadata.GetHeapSize(HeapIndex.Blob) > 0xFFFF ? 4 : 2, stringWidth = metadata.GetHeapSize(HeapIndex.String) > 0xFFFF ? 4 : 2;
            var core = metadata.AssemblyReferences.Select(metadata.GetAssemblyReference)
                               .First(one => metadata.GetString(one.Name) == "System.Private.CoreLib");
            int name = metadata.GetHeapOffset(core.Name), token = metadata.GetHeapOffset(core.PublicKeyOrToken);
            Encoding.ASCII.GetBytes("netstandard\0").CopyTo(image, strings + name);
            new byte[] { 0xcc, 0x7b, 0x13, 0xff, 0xcd, 0x2d, 0xdd, 0x51 }.CopyTo(image, blobs + token + 1); // behind its length
            for (int at = table, i = 0; i < metadata.AssemblyReferences.Count; ++i, at += row)
            {
                new byte[] { 2, 0, 1, 0, 0, 0, 0, 0 }.CopyTo(image, at); // version 2.1.0.0; 4 bytes of flags follow
                Array.Copy(BitConverter.GetBytes(token), 0, image, at + 12, blobWidth);
                Array.Copy(BitConverter.GetBytes(name), 0, image, at + 12 + blobWidth, stringWidth);
            }
        }
    }
}
