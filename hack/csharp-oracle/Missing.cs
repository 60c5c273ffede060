// Members of Newtonsoft.Json 13 that version 6 does not have.
namespace ApimStub
{
    public static class Missing
    {
        public static bool ContainsKey(this Newtonsoft.Json.Linq.JObject json, string name) { throw new System.Exception(); }
    }
}
